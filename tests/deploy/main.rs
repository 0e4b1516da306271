//! What users deploy with, held against the program.
