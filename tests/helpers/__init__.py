"""What several tests share: real servers, small models, pieces of music."""
