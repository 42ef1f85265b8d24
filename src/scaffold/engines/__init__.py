"""The world outside: disk, git, Copier, Helm, yamllint. Each tool behind one adapter, all processes through one door."""
