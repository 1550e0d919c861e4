"""What leaves the house for the person concerned: the export package and the certificate."""
