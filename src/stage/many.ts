// How the lab plays many middleboxes at once, for a sweep: one host with many ports, each with a patience of its own. A client
// that connects to a port reaches the same port of a server.

import type { Box } from '../plan/trial.ts';
import type { PlayedBox } from './box.ts';
import type { LabHost } from './lab.ts';

export interface ManyPort {
  port: number;
  box: Box;
}

export interface ManyContext {
  host: LabHost;
  /** Scratch folder on it. */
  folder: string;
  /** Where late packets are balanced anew the second is the one that never saw the connection. */
  servers: readonly LabHost[];
  ports: readonly ManyPort[];
}

/** Where clients connect to, and what there is to look at. */
export type ManyPlaying = { address: string } & Pick<PlayedBox, 'flows' | 'sessions'>;

/** How a kind of middlebox is played many times at once. One file each in `boxes/`, with `Box`. */
export interface ManyPlayer {
  /** The program that plays it, where it is not the kernel; with the arguments that make it tell its version. */
  program?: { name: string; versionArgs: readonly string[] };
  /** Boxes of the same group can share a host; undefined where it cannot be played so. */
  group(box: Box): string | undefined;
  play(context: ManyContext): Promise<ManyPlaying>;
}
