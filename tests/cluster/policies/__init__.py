"""What is put before policies and Pod Security, and how each of the judges is asked."""
