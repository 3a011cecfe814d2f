import type { Keepalive } from '../model/keepalive.ts';
import type { Side } from '../model/predict.ts';

/** What was recommended, to be written in a target's own language. */
export interface Tuning {
  client: Side;
  /** The keepalive of the client, where there is one. */
  keepalive: Keepalive | undefined;
  /** The middlebox's own patience, seconds, and how long the quiet is. */
  timeoutSeconds: number;
  quietSeconds: number;
  layer: 'L4' | 'L7';
}

/** A place where settings are typed: a file each in `targets/`, named as in the report. */
export interface Setting {
  title: string;
  /** Of the library or program that it was written for; undefined where it is the kernel's. */
  version?: string;
  /** How the project's tests try it, or that they do not. */
  tested: string;
  /** @returns what to paste, undefined where this target can do nothing here */
  render(tuning: Tuning): { text: string; note?: string } | undefined;
}

export const NOT_TESTED = 'not tested here: its tool is not at hand';
export const milliseconds = (seconds: number): number => Math.round(seconds * 1000);
