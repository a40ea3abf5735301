"""The hands, one vendor each. No vendor exception leaves this folder."""
