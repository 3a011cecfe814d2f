import { existsSync } from 'node:fs';

/** A browser of the machine's, for tests that look at pages; undefined where there is none. */
export const CHROMIUM: string | undefined = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((file) => existsSync(file));
/** Continuous integration has one. */
export const mayBeMissing: boolean = process.env.CI === undefined;
