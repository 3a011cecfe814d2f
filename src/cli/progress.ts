import { createLogUpdate } from 'log-update';
import { formatDuration } from '../base/duration.ts';
import { withoutCommands } from '../base/escape/terminal.ts';
import { oneLine } from '../base/escape/visible.ts';
import { painter } from '../report/text.ts';
import type { Message } from '../stage/record.ts';

const REFRESH_MS = 200;

/** An act that is being played. */
interface Playing {
  title: string;
  text: string;
  /** What is left of a wait, seconds: on our clock until a moment of it, on the lab's as it tells. */
  until: number;
  lab: { since: number | undefined; seconds: number; left: number };
}

export interface ProgressOptions {
  /** Whether a second of the lab is a second of ours. */
  realTime: boolean;
  /** Seconds that the whole timeline will wait, for the time that is left; undefined where several are played at once. */
  waits: number | undefined;
  /** Whether acts, perhaps of several scenarios, are played at the same time: every line names its own. */
  sideBySide: boolean;
}

/**
 * Tells on standard error what the lab does. On a terminal the acts being played stand below, each with what is left; what
 * is done scrolls up. Elsewhere every step is a line.
 */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #options: ProgressOptions;
  readonly #paint;
  readonly #live: ReturnType<typeof createLogUpdate> | undefined;
  readonly #end: number;
  readonly #playing = new Map<string, Playing>();
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream, options: ProgressOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#paint = painter(stream.isTTY === true && stream.hasColors());
    this.#live = stream.isTTY ? createLogUpdate(stream) : undefined;
    this.#end = performance.now() + (options.waits ?? 0) * 1000;
  }

  /** @param scenario stands before the act's name where several are played */
  tell(message: Message, scenario = ''): void {
    const name = (act: string) => oneLine([scenario, act].filter(Boolean).join(' '));
    if (message.type === 'preparing') this.#line(oneLine(message.text));
    else if (message.type === 'act') {
      const act = name(message.act);
      const title = `${act}: ${oneLine(message.title)}`;
      if (!this.#live || !this.#options.sideBySide) this.#line(this.#paint('bold', title));
      this.#show(act, title, 'building the lab', 0);
    } else if (message.type === 'step') {
      const act = name(message.act);
      const text = oneLine(message.text);
      if (!this.#live) this.#line(this.#options.sideBySide ? `${act}: ${text}` : `  ${text}`);
      this.#show(act, this.#playing.get(act)?.title ?? act, text, message.waitSeconds ?? 0);
    } else if (message.type === 'clock') {
      const lab = this.#playing.get(name(message.act))?.lab;
      if (!lab) return;
      lab.since ??= message.time;
      lab.left = Math.max(0, lab.seconds - (message.time - lab.since));
    } else if (message.type === 'played') {
      const act = name(message.act.name);
      const done = this.#playing.get(act);
      this.#playing.delete(act);
      if (!this.#live) return;
      if (this.#options.sideBySide && done) this.#line(this.#paint('bold', done.title));
      for (const step of message.act.steps) this.#line(this.#paint('dim', `  ✓ ${oneLine(step.text)}`));
      this.#draw();
    }
  }

  #line(text: string): void {
    this.#live?.clear();
    this.#stream.write(`${withoutCommands(text)}\n`);
  }

  #show(act: string, title: string, text: string, waitSeconds: number): void {
    this.#playing.set(act, {
      title,
      text,
      until: performance.now() + waitSeconds * 1000,
      lab: { since: undefined, seconds: waitSeconds, left: waitSeconds },
    });
    if (!this.#live) return;
    this.#timer ??= setInterval(() => this.#draw(), REFRESH_MS);
    this.#draw();
  }

  #draw(): void {
    const { realTime, waits, sideBySide } = this.#options;
    const whole = Math.ceil(Math.max(1, (this.#end - performance.now()) / 1000));
    const all =
      realTime && waits !== undefined ? `  (${whole < 100 ? `${whole} s` : formatDuration(whole)} in all)` : '';
    const columns = this.#stream.columns ?? 80;
    const lines = [...this.#playing].map(([act, { text, until, lab }]) => {
      const left = realTime ? (until - performance.now()) / 1000 : lab.left;
      const toGo = left > 0.1 ? `, ${left < 100 ? `${Math.ceil(left)} s` : formatDuration(left)} to go` : '';
      const short = `  ⧗ ${sideBySide ? `${act}: ` : ''}${text}${toGo}`;
      const long = realTime || toGo === '' ? short : `${short} on the lab’s clock`;
      const line = long.length < columns ? long : short;
      return line.length + all.length < columns ? line + this.#paint('dim', all) : line.slice(0, columns - 1);
    });
    this.#live?.(lines.join('\n'));
  }

  /** Takes the view away while something else is written. */
  pause<T>(write: () => T): T {
    this.#live?.clear();
    return write();
  }

  /** Takes the view away. Must be called before anything else is written, whatever happened. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#live?.clear();
    this.#live?.done();
  }
}
