import { ModuleCatalogue } from '../../src/base/catalogue.ts';
import type { HostFolder } from '../../src/talk/programs.ts';
import type { Library } from './library.ts';

export const CLIENTS: ModuleCatalogue<{ default: Library }> = new ModuleCatalogue(
  'a client library',
  'services/client/libraries' satisfies HostFolder,
);
