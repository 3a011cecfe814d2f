/** How verdicts and statuses look, in every report. */
export const MARKS = { pass: '✔', fail: '✖', unknown: '?', inconclusive: '?' } as const;
export const EMOJI = { pass: '✅', fail: '❌', unknown: '⚠️', inconclusive: '⚠️' } as const;
/** On a terminal. */
export const COLORS = { pass: 'green', fail: 'red', unknown: 'yellow', inconclusive: 'yellow' } as const;
/** Annotations of GitHub Actions. */
export const LEVELS = { pass: 'notice', fail: 'error', unknown: 'warning', inconclusive: 'warning' } as const;
