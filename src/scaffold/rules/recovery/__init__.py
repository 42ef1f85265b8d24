"""Recovery: backups are made, kept, watched and can be restored."""
