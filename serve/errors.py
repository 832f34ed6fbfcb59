"""What can be wrong with a saved model, or where it is to run; see `labels.errors` for the whole tree."""

from labels.errors import UserError


class ModelError(UserError):
    """A saved model is missing, damaged, or of another make than this program reads."""


class DeviceError(UserError):
    """There is no such device, or not on this machine."""


class SettingsError(UserError):
    """The environment does not set up a service; one line for each fault."""
