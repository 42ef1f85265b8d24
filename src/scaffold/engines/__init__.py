"""The world outside: disk, git, Copier, Helm, yamllint. Each behind one adapter, processes through one door."""
