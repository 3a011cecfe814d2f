import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/root.ts';

/** A copy of a recorded run, whose files may be changed. */
export class RecordedCopy implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'idlelab-test-recorded-'));

  constructor(scenario: string) {
    cpSync(join(packageRoot, 'test/fixtures', scenario), this.folder, { recursive: true });
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  bytes(file: string, change: (bytes: Buffer) => Buffer | undefined): this {
    const bytes = readFileSync(this.path(file));
    writeFileSync(this.path(file), change(bytes) ?? bytes);
    return this;
  }

  lines(file: string, change: (lines: string[]) => string[]): this {
    const text = change(readFileSync(this.path(file), 'utf8').trimEnd().split('\n')).map((line) => `${line}\n`);
    writeFileSync(this.path(file), text.join(''));
    return this;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what is written into it is not as it should be
  json(file: string, change: (document: any) => void): this {
    const document = JSON.parse(readFileSync(this.path(file), 'utf8'));
    change(document);
    writeFileSync(this.path(file), JSON.stringify(document));
    return this;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
