/**
 * Names under which configurations are kept with a run: of one host, a service that starts again has the name that it had; what
 * another host or another text would write over is numbered.
 */
export class ConfigNames {
  readonly #kept = new Map<string, string>();

  /** @param name as the service calls it, "mq.conf". @returns a name that holds nothing else: "mq.conf", or "mq.2.conf" */
  nameFor(host: string, name: string, text: string): string {
    const dot = name.lastIndexOf('.');
    const [base, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    const owner = JSON.stringify([host, text]);
    for (let number = 1; ; number++) {
      const free = number === 1 ? name : `${base}.${number}${extension}`;
      const kept = this.#kept.get(free) ?? owner;
      if (kept !== owner) continue;
      this.#kept.set(free, owner);
      return free;
    }
  }
}
