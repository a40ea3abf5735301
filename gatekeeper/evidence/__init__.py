"""Pure readers: what the world writes → what it says about our purposes."""
