import type { Finding } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { CheckResult } from '../../protocol/migration.ts';
import type { Moving } from './creating.ts';
import type { TargetSide } from './target-side.ts';

/** The addons that a database was given for, each with what it would need to follow the source live. */
export async function offered(
  side: TargetSide,
  { app, migration, engines }: Moving & { engines: Record<string, string> },
): Promise<{ name: string; findings: CheckResult[] }[]> {
  const addresses = Object.entries(side.offers.of(app, migration));
  return await Promise.all(
    addresses.map(async ([name, address]) => {
      const findings = await toFollow(side, name, address, engines[name]);
      return { name, findings: findings.map((finding) => ({ ...finding, name: finding.id })) };
    }),
  );
}

async function toFollow(
  side: TargetSide,
  addon: string,
  address: string,
  name: string | undefined,
): Promise<Finding[]> {
  const engine = name === undefined ? undefined : await side.engine(name);
  if (!engine?.checkFollower) return [cannot(addon)];
  try {
    return await engine.checkFollower({ addon, address, version: null });
  } catch (error) {
    const { message: detail, remedy } = StorkyError.from(error);
    return [{ id: 'target-follows', verdict: 'fail', detail, remedy }];
  }
}

const cannot = (addon: string): Finding => ({
  id: 'target-follows',
  verdict: 'fail',
  detail: 'it goes into a database that Storky does not run, which cannot follow the source',
  remedy: `Use the carrier backup, for which the app stands still; or leave out --addon ${addon}, and Storky runs the new one.`,
});
