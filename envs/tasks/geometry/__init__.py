"""Points, polygons and triangles, exactly."""
