import { ModuleCatalogue } from '../../base/catalogue.ts';
import type { SweepReporter } from './reporter.ts';

export const SWEEP_REPORTERS: ModuleCatalogue<{ default: SweepReporter }> = new ModuleCatalogue(
  'a report format of sweeps',
  'src/report/sweep/formats',
);
