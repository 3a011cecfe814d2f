const VERSION = /\d+\.\d+[\w.+~-]*/;

/** The version in what a program says of it. */
export const versionIn = (text: string): string => VERSION.exec(text)?.[0] ?? 'unknown';
