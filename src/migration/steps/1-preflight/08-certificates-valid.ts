import { X509Certificate } from 'node:crypto';
import { type Check, fail, notApplicable, pass, warn } from '../../check.ts';

const day = 86_400_000;

/** The target serves TLS with the copied certificates from the first moment, since it can get none before DNS moves. */
export const certificatesValid: Check = {
  id: 'certificates-valid',
  name: 'Certificates are valid',
  async ask({ source, migration }) {
    const { record } = await source.apps.get({ app: migration.srcAppName });
    const certified = record.domains.filter((domain) => domain.certificate);
    if (certified.length === 0) return notApplicable('no domain has a certificate of its own');
    let soonest = Number.POSITIVE_INFINITY;
    for (const domain of certified) {
      const certificate = new X509Certificate(domain.certificate!);
      const left = Date.parse(certificate.validTo) - Date.now();
      if (left <= 0)
        return fail(
          `the certificate of ${domain.name} ended on ${certificate.validTo}`,
          'Renew it on the source, then create the migration again.',
        );
      if (!certificate.checkHost(domain.name))
        return fail(
          `the certificate of ${domain.name} is for ${certificate.subjectAltName ?? certificate.subject}`,
          'Install the right one on the source.',
        );
      soonest = Math.min(soonest, left);
    }
    const days = Math.floor(soonest / day);
    return days < 7
      ? warn(`one ends in ${days} days`, 'Renew it soon; the target cannot before DNS points at it.')
      : pass(`${certified.length} valid, the first ends in ${days} days`);
  },
};
