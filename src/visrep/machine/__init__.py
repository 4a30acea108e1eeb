"""What a result must not depend on by accident: the device, its threads, and chance."""
