/** Exit codes of every command. */
export const EXIT = {
  asExpected: 0,
  expectationFailed: 1,
  inconclusive: 2,
  cannotRun: 3,
  badInput: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Stable codes: scripts may depend on them, texts may change. */
const CODES = {
  UNKNOWN_SCENARIO: EXIT.badInput,
  UNKNOWN_NAME: EXIT.badInput,
  BAD_FILE: EXIT.badInput,
  BAD_OPTION: EXIT.badInput,
  MISSING_TOOL: EXIT.cannotRun,
  NO_NAMESPACES: EXIT.cannotRun,
  NO_DOCKER: EXIT.cannotRun,
  UNREACHABLE: EXIT.cannotRun,
  NO_CONNTRACK: EXIT.cannotRun,
  WRONG_KERNEL: EXIT.cannotRun,
  NO_NETWORK: EXIT.cannotRun,
  MISSING_KERNEL: EXIT.cannotRun,
  NO_MEMORY_FOLDER: EXIT.cannotRun,
  NO_ROOM: EXIT.cannotRun,
  BUILD_FAILED: EXIT.cannotRun,
  RUNS_UNWRITABLE: EXIT.cannotRun,
  SERVICE_DIED: EXIT.inconclusive,
  SERVICE_SILENT: EXIT.inconclusive,
  ENGINE_DIED: EXIT.inconclusive,
  BAD_EVIDENCE: EXIT.inconclusive,
  STEP_FAILED: EXIT.inconclusive,
} as const;

export type ErrorCode = keyof typeof CODES;

/** Every failure a person may see: what happened, what to do about it, and the cause where there is one. */
export class LabError extends Error {
  readonly code: ErrorCode;
  readonly todo: string;

  constructor(code: ErrorCode, what: string, todo: string, cause?: unknown) {
    super(what, cause === undefined ? undefined : { cause });
    this.name = 'LabError';
    this.code = code;
    this.todo = todo;
  }

  get exitCode(): ExitCode {
    return CODES[this.code];
  }

  /** Whether it happened in the middle of a timeline: what was seen until then is worth a report. */
  get leavesEvidence(): boolean {
    return this.code === 'SERVICE_DIED' || this.code === 'SERVICE_SILENT' || this.code === 'STEP_FAILED';
  }

  /** The form in which an error crosses from the lab's process to the person's. */
  toJSON(): { code: ErrorCode; message: string; todo: string } {
    return { code: this.code, message: this.message, todo: this.todo };
  }

  static fromJSON(json: { code: ErrorCode; message: string; todo: string }): LabError {
    return new LabError(json.code, json.message, json.todo);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
