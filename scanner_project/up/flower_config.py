"""Flower's configuration file, which has its password."""

from scanner_app.management.first_admin import Account, owner_only
from scanner_project.env import Environment


def write_flower_config(env: Environment, account: Account) -> None:
    """Write Flower's password to a file that only its owner can read. On a command line everybody could see it."""
    file = env.data_dir / "flowerconfig.py"
    file.unlink(missing_ok=True)  # an old file might have a wider mode
    with open(file, "x", opener=owner_only) as out:
        out.write(f"basic_auth = [{f'{account.user}:{account.password}'!r}]\n")
