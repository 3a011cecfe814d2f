import { ModuleCatalogue } from '../base/catalogue.ts';
import type { Reporter } from './reporter.ts';

export const REPORTERS: ModuleCatalogue<{ default: Reporter }> = new ModuleCatalogue(
  'a report format',
  'src/report/formats',
);
