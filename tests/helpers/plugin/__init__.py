"""What the plug-in's tests share: hosts, songs, the panel's page, held notes, killed processes."""
