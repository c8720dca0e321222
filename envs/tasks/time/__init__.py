"""Calendars, clocks and schedules."""
