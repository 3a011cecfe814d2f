/** What JSON may hold as it is, but a terminal or the log of a job would act on. */
const ACTING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON of the same value, safe to show: what would act is written as `\u…`, as is the workflow command `##[`. */
export const json = (value: unknown, indent: number): string =>
  `${JSON.stringify(value, null, indent).replace(ACTING, escaped).replaceAll('##[', '#\\u0023[')}\n`;
