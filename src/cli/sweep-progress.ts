import { createLogUpdate } from 'log-update';
import { plainDuration } from '../base/duration.ts';
import { forTerminal } from '../base/escape/terminal.ts';
import type { SweepProgress as Progress } from '../sweep/run-sweep.ts';

const REFRESH_MS = 250;
/** Elsewhere than on a terminal a line for each tenth. */
const TENTHS = 10;
/** Before it, what is left cannot be told. */
const ENOUGH = 0.02;

/** Tells on standard error how far a sweep is, and what is left. */
export class SweepProgress implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #live: ReturnType<typeof createLogUpdate> | undefined;
  #stage = '';
  #began = 0;
  #tenth = -1;
  #drawnAt = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#live = stream.isTTY ? createLogUpdate(stream) : undefined;
  }

  told(stage: string, measured: number, of: number, passed: number): void {
    if (stage !== this.#stage) {
      this.#live?.clear();
      this.#stream.write(forTerminal(`measuring ${stage}: ${of.toLocaleString('en')} trials\n`));
      [this.#stage, this.#began, this.#tenth] = [stage, performance.now(), -1];
    }
    const seconds = (performance.now() - this.#began) / 1000;
    const done = Math.max(passed, measured / of);
    const left =
      passed > ENOUGH && passed < 1 && measured < of
        ? `, about ${plainDuration(Math.ceil((seconds / passed) * (1 - passed)))} to go`
        : '';
    // Trials run side by side and end together: what moves comes first.
    const ended = `${measured.toLocaleString('en')} of ${of.toLocaleString('en')} trials have ended`;
    const text = `${Math.floor(done * 100)} %${left}; ${ended}`;
    if (this.#live) {
      if (performance.now() - this.#drawnAt < REFRESH_MS && measured < of) return;
      this.#drawnAt = performance.now();
      this.#live(`  ⧗ ${text}`.slice(0, (this.#stream.columns ?? 80) - 1));
    } else if (Math.floor(done * TENTHS) > this.#tenth) {
      this.#tenth = Math.floor(done * TENTHS);
      this.#stream.write(`  ${text}\n`);
    }
  }

  stop(): void {
    this.#live?.clear();
    this.#live?.done();
  }
}
