import { within } from '../base/within.ts';

/** How long a connection that its client has open may take to be accepted at its server. */
const PATIENCE_SECONDS = 0.5;

/** The connections that servers have accepted, counted from the beginning of the act. */
export class Arrivals {
  readonly #accepted = new Map<string, number>();
  #changed: (() => void)[] = [];

  /** A server tells of one. */
  note(server: string): void {
    this.#accepted.set(server, (this.#accepted.get(server) ?? 0) + 1);
    const waiting = this.#changed;
    this.#changed = [];
    for (const wake of waiting) wake();
  }

  /** How many these servers have accepted together. */
  count(servers: readonly string[]): number {
    return servers.reduce((sum, server) => sum + (this.#accepted.get(server) ?? 0), 0);
  }

  /**
   * Resolves once these servers have accepted so many: what is told to a server next is then for all of them. A connection may
   * never arrive (lost on the way, or its server hangs): it is not waited for long.
   */
  async until(servers: readonly string[], count: number): Promise<void> {
    let over = false;
    const arrived = (async () => {
      while (!over && this.count(servers) < count) await new Promise<void>((resolve) => this.#changed.push(resolve));
    })();
    await within(PATIENCE_SECONDS, arrived, () => new Error('not all have arrived')).catch(() => {});
    over = true;
  }
}
