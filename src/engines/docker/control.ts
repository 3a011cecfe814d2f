import type { ErrorCode } from '../../base/errors.ts';
import type { SeenRoute, SeenSocket, WatchOrder } from '../../stage/lab.ts';
import type { LostEvidence } from '../../stage/record.ts';
import type { Program } from '../../talk/programs.ts';
import type { Flow } from '../../wire/flows.ts';

/** Where things lie in a container of the image. The rest of its files is read-only. */
export const INSIDE = {
  code: '/opt/idlelab',
  /** Scratch folder of the act, writable to everybody in it. */
  lab: '/var/lib/idlelab/lab',
  /** A volume, not a tmpfs: what is there can be copied out. */
  evidence: '/var/lib/idlelab/evidence',
} as const;

/** What a host says of itself at first. */
export interface Hello {
  hz: number;
  kernel: string;
  node: string;
  interfaces: { index: number; name: string; address: string | undefined }[];
}

/** What the orchestrator asks of a host, by name: what it takes and what it gives. */
export interface Questions {
  spawn: {
    takes: {
      process: number;
      /** A program by its name, or one of ours. */
      what: { program: string } | { module: Program };
      args: readonly string[];
      input: 'pipe' | 'ignore';
      privileged: boolean;
    };
    gives: { pid: number | undefined };
  };
  run: {
    takes: { program: string; args: readonly string[]; input: string | undefined; privileged: boolean };
    gives: string;
  };
  place: { takes: { name: string; text: string }; gives: string };
  ask: { takes: { socketFile: string; question: string }; gives: string };
  sysctl: { takes: { name: string; value: string }; gives: null };
  procNet: { takes: { file: string }; gives: string | null };
  sockets: { takes: null; gives: { time: number; sockets: SeenSocket[] } };
  /** Seconds since the epoch, on its clock. */
  clock: { takes: null; gives: number };
  flows: { takes: null; gives: Flow[] };
  routes: { takes: null; gives: SeenRoute[] };
  dropSockets: { takes: null; gives: null };
  forgetFlows: { takes: null; gives: null };
  watch: { takes: WatchOrder; gives: null };
  unwatch: { takes: null; gives: { lost: LostEvidence; memoryMb: number } };
}

export type Question = keyof Questions;

/** Lines to a host: questions, and what needs no answer. */
export type ToHost =
  | { [Q in Question]: { id: number; ask: Q; with: Questions[Q]['takes'] } }[Question]
  | { write: number; text: string }
  | { signal: number; name: NodeJS.Signals }
  | { attend: true };

/** Lines from a host, numbered without a gap: a stream of the container engine that was cut shows. */
export type FromHost = { n: number } & (
  | { hello: Hello }
  | { answer: number; value: unknown }
  | { answer: number; error: { code: ErrorCode | undefined; message: string; todo: string } }
  | { process: number; out: string }
  | { process: number; err: string }
  | { process: number; failed: string }
  | { process: number; ended: { code: number | null; signal: NodeJS.Signals | null } }
  | { watchFailed: string }
);
