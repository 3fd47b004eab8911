"""Flower's configuration file, which has its password."""

from scanner_app import files
from scanner_app.management.first_admin import Account
from scanner_project.env import Environment


def write_flower_config(env: Environment, account: Account) -> None:
    """Write Flower's password to a file that only its owner can read. On a command line everybody could see it."""
    files.write_whole(env.data_dir / "flowerconfig.py", f"basic_auth = [{f'{account.user}:{account.password}'!r}]\n")
