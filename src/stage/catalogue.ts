import { ModuleCatalogue } from '../base/catalogue.ts';
import type { HostFolder } from '../talk/programs.ts';
import type { Broker } from './broker.ts';
import type { Fault } from './fault.ts';
import type { Player } from './player.ts';

export const FAULTS: ModuleCatalogue<{ default: Fault }> = new ModuleCatalogue(
  'a fault',
  'src/stage/faults' satisfies HostFolder,
);
export const SERVERS: ModuleCatalogue<{ default: Broker }> = new ModuleCatalogue(
  'a broker',
  'src/stage/servers' satisfies HostFolder,
);
export const BOXES: ModuleCatalogue<{ default: Player }> = new ModuleCatalogue(
  'a way to play a middlebox',
  'src/stage/boxes' satisfies HostFolder,
);
