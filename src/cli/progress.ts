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
  #text = '';
  #until = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param waits seconds that the whole timeline will wait, for the time that is left */
  constructor(stream: NodeJS.WriteStream, waits: number) {
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
    if (!this.#live) return;
    this.#timer ??= setInterval(() => this.#draw(), REFRESH_MS);
    this.#draw();
  }

  #draw(): void {
    if (this.#text === '') return;
    const left = (this.#until - performance.now()) / 1000;
    const text = `  ⧗ ${this.#text}${left > 0.1 ? `, ${left < 100 ? `${Math.ceil(left)} s` : formatDuration(left)} to go` : ''}`;
    const whole = Math.ceil(Math.max(1, (this.#end - performance.now()) / 1000));
    const all = `  (${whole < 100 ? `${whole} s` : formatDuration(whole)} in all)`;
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
