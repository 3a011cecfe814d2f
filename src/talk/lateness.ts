/** So late a program must be for its times to be somebody else's. */
export const TOO_LATE_SECONDS = 0.5;
