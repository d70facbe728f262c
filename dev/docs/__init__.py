"""What `make docs` needs: the Sphinx extension of the pages, and the check of the built pages' links."""
