// Numbers of a document that may come from anybody, within the limits of what has to hold them.
import { z } from 'zod';

interface Bounds {
  least: number;
  most: number;
}

export const within = ({ least, most }: Bounds): z.ZodNumber => z.number().min(least).max(most);

export const wholeWithin = ({ least, most }: Bounds): z.ZodInt => z.int().min(least).max(most);

/** Seconds since 1970, as far as a Date reaches: 8.64e15 ms (ECMA-262, "Time Values and Time Range"). */
export const epochSeconds: z.ZodNumber = within({ least: 0, most: 8.64e12 });

/** How long something took, in seconds: at most a century. */
export const spentSeconds: z.ZodNumber = within({ least: 0, most: 100 * 365 * 86_400 });
