import { readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LabError } from './errors.ts';
import { codeRoot, moduleExtension } from './root.ts';

/** Enough of a name to recognise it by. */
const SHOWN = 60;
const shown = (name: string) => JSON.stringify(name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name);

/**
 * A folder in which adding a file adds a thing; the file's name is the thing's name. Names may come from strangers (a runs
 * folder that was mailed around), so only the names of files that are there lead anywhere.
 */
export class Catalogue {
  /** What its things are called in messages: "a check". */
  readonly kind: string;
  readonly folder: string;
  readonly extension: string;

  constructor(kind: string, folder: string, extension: string) {
    this.kind = kind;
    this.folder = folder;
    this.extension = extension;
  }

  names(): string[] {
    return readdirSync(this.folder)
      .filter((file) => extname(file) === this.extension && !file.endsWith(`.d${this.extension}`))
      .map((file) => basename(file, this.extension))
      .sort();
  }

  /** The file of a thing that is listed. @throws LabError UNKNOWN_NAME for any other name */
  path(name: string): string {
    const names = this.names();
    if (!names.includes(name))
      throw new LabError('UNKNOWN_NAME', `${shown(name)} is not ${this.kind}`, `use one of ${names.join(', ')}`);
    return join(this.folder, name + this.extension);
  }
}

/** A catalogue of modules of ours, each loaded at most once. */
export class ModuleCatalogue<T> extends Catalogue {
  readonly #loaded = new Map<string, Promise<T>>();

  /** @param folder from the code's root */
  constructor(kind: string, folder: string) {
    super(kind, join(codeRoot, folder), moduleExtension);
  }

  /** Runs the module's code. @throws LabError UNKNOWN_NAME where the name is not listed: then nothing is run */
  async load(name: string): Promise<T> {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known;
    const loading = import(pathToFileURL(this.path(name)).href) as Promise<T>;
    this.#loaded.set(name, loading);
    return loading;
  }
}
