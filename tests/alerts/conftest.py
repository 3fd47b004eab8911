"""What the alerts' tests share with those of the notifications: a clock, and servers that take messages."""

from tests.notifications.conftest import asked, clock, dead_mail_server, deaf_port, mail_server, opens, web_server

__all__ = ["asked", "clock", "dead_mail_server", "deaf_port", "mail_server", "opens", "web_server"]
