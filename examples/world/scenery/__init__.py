"""What stands still: sky, road, roadside."""
