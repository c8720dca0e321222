"""What is done to an answer after it was given: judged, criticised, mended, summed up. Agents around agents."""
