import { storkySchema } from '../names.ts';

const grants = `FROM pg_catalog.pg_database d
  CROSS JOIN pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
  WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT'`;

/**
 * The seal of a database on a server that others use too: nobody but the administrator may connect to it any more. Whose
 * right it was is remembered ('' is everybody's). Superusers need no right: on such a server they are its owner's.
 */
export const refuseConnections = `
  IF NOT EXISTS (SELECT ${grants} AND r.rolname = session_user) THEN
    INSERT INTO ${storkySchema}.sealed_role VALUES (session_user) ON CONFLICT DO NOTHING;
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), session_user);
  END IF;
  FOR one IN SELECT DISTINCT coalesce(r.rolname::text, '') ${grants} AND r.rolname IS DISTINCT FROM session_user LOOP
    INSERT INTO ${storkySchema}.sealed_role VALUES (one) ON CONFLICT DO NOTHING;
    EXECUTE pg_catalog.format('REVOKE CONNECT ON DATABASE %I FROM %s', current_database(), CASE one WHEN '' THEN 'PUBLIC' ELSE quote_ident(one) END);
  END LOOP;
  IF EXISTS (SELECT ${grants} AND r.rolname IS DISTINCT FROM session_user) THEN
    RAISE insufficient_privilege USING MESSAGE = 'not everybody can be kept out of the database: ' || session_user || ' does not own it';
  END IF;`;

/** Gives everybody's right back; the administrator's goes where it came with the seal. */
export const allowConnections = `
  FOR one IN SELECT s.name FROM ${storkySchema}.sealed_role s LEFT JOIN pg_catalog.pg_roles r ON r.rolname = s.name
      WHERE s.name <> session_user AND (s.name = '' OR r.oid IS NOT NULL) LOOP
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %s', current_database(), CASE one WHEN '' THEN 'PUBLIC' ELSE quote_ident(one) END);
  END LOOP;
  IF EXISTS (SELECT FROM ${storkySchema}.sealed_role WHERE name = session_user) THEN
    EXECUTE pg_catalog.format('REVOKE CONNECT ON DATABASE %I FROM %I', current_database(), session_user);
  END IF;`;
