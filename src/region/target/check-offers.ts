import type { Finding } from '../../drivers/store.ts';
import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { CheckResult } from '../../protocol/migration.ts';
import type { TargetSide } from './target-side.ts';

/** The databases that were given for this move: can they be filled, and by this account? */
export async function checkOffers(
  side: TargetSide,
  { addons }: AppRecord,
  offered: Record<string, string>,
): Promise<CheckResult[]> {
  const answers = await Promise.all(
    Object.entries(offered).map(async ([addon, address]) => {
      const known = addons.find(({ name }) => name === addon);
      const findings = known ? await ask(side, known, address) : [unknown(addon)];
      return findings.map((finding) => ({
        ...finding,
        id: `target.${addon}.${finding.id}`,
        name: `${addon} in ${side.region}: ${finding.id}`,
      }));
    }),
  );
  return answers.flat();
}

async function ask(side: TargetSide, addon: AppRecord['addons'][number], address: string): Promise<Finding[]> {
  const { checkOffer } = await side.engine(addon.engine);
  if (!checkOffer)
    return [
      failed('address', `a ${addon.engine} that Storky does not run cannot be filled yet`, 'Give no address for it.'),
    ];
  try {
    return await checkOffer({ addon: addon.name, address, version: addon.version });
  } catch (error) {
    const { message, remedy } = StorkyError.from(error);
    return [failed('address', message, remedy)];
  }
}

const unknown = (addon: string) => failed('address', `there is no addon named ${addon}`, 'Name an addon of the app.');

const failed = (id: string, detail: string, remedy: string): Finding => ({ id, verdict: 'fail', detail, remedy });
