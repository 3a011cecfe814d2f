import { ModuleCatalogue } from '../base/catalogue.ts';
import type { Reporter } from './reporter.ts';
import type { SweepReporter } from './sweep/reporter.ts';

export const REPORTERS: ModuleCatalogue<{ default: Reporter }> = new ModuleCatalogue(
  'a report format',
  'src/report/formats',
);
export const SWEEP_REPORTERS: ModuleCatalogue<{ default: SweepReporter }> = new ModuleCatalogue(
  'a report format of sweeps',
  'src/report/sweep/formats',
);
