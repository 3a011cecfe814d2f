import { createLogUpdate } from 'log-update';
import type { Message } from '../lab/record.ts';
import { painter } from '../report/text.ts';
import { formatDuration } from '../scenario/duration.ts';

const REFRESH_MS = 200;

/** Tells on standard error what the lab does. On a terminal a countdown stands below; elsewhere every step is a line. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #paint;
  readonly #live: ReturnType<typeof createLogUpdate> | undefined;
  readonly #end: number;
  readonly #realTime: boolean;
  #text = '';
  /** What is left of a wait on the lab's own clock, where that is not ours. */
  #lab: { since: number | undefined; seconds: number; left: number } = { since: undefined, seconds: 0, left: 0 };
  #until = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param waits seconds that the whole timeline will wait, for the time that is left
   * @param realTime whether a second of the lab is a second of ours
   */
  constructor(stream: NodeJS.WriteStream, waits: number, realTime: boolean) {
    this.#realTime = realTime;
    this.#stream = stream;
    this.#paint = painter(stream.isTTY === true && stream.hasColors());
    this.#live = stream.isTTY ? createLogUpdate(stream) : undefined;
    this.#end = performance.now() + waits * 1000;
  }

  tell(message: Message): void {
    if (message.type === 'act') {
      this.#line(this.#paint('bold', `${message.act}: ${message.title}`));
      this.#show('building the lab', 0);
    } else if (message.type === 'step') {
      if (!this.#live) this.#line(`  ${message.text}`);
      this.#show(message.text, message.waitSeconds ?? 0);
    } else if (message.type === 'clock') {
      this.#lab.since ??= message.time;
      this.#lab.left = Math.max(0, this.#lab.seconds - (message.time - this.#lab.since));
    } else if (message.type === 'played') {
      this.#text = '';
      if (this.#live) for (const step of message.act.steps) this.#line(this.#paint('dim', `  ✓ ${step.text}`));
    }
  }

  #line(text: string): void {
    this.#live?.clear();
    this.#stream.write(`${text}\n`);
  }

  #show(text: string, waitSeconds: number): void {
    this.#text = text;
    this.#until = performance.now() + waitSeconds * 1000;
    this.#lab = { since: undefined, seconds: waitSeconds, left: waitSeconds };
    if (!this.#live) return;
    this.#timer ??= setInterval(() => this.#draw(), REFRESH_MS);
    this.#draw();
  }

  #draw(): void {
    if (this.#text === '') return;
    const left = this.#realTime ? (this.#until - performance.now()) / 1000 : this.#lab.left;
    const clock = this.#realTime ? '' : ' on the lab’s clock';
    const toGo = left > 0.1 ? `, ${left < 100 ? `${Math.ceil(left)} s` : formatDuration(left)} to go${clock}` : '';
    const text = `  ⧗ ${this.#text}${toGo}`;
    const whole = Math.ceil(Math.max(1, (this.#end - performance.now()) / 1000));
    const all = this.#realTime ? `  (${whole < 100 ? `${whole} s` : formatDuration(whole)} in all)` : '';
    const columns = this.#stream.columns ?? 80;
    this.#live?.(text.length + all.length < columns ? text + this.#paint('dim', all) : text.slice(0, columns - 1));
  }

  /** Takes the countdown away. Must be called before anything else is written, whatever happened. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#live?.clear();
    this.#live?.done();
  }
}
