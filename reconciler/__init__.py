"""Configuration of chatbot fleets as code."""
