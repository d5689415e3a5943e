"""What is watched: places are understood and watched, and what is there of them is found."""
