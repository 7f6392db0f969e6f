// No `u` and no `i`: these are the 64 characters of base64url and nothing that folds to them.
const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Whether a text is a compact JWS (RFC 7515, 7.1) written in the one way that JSON.stringify and base64url without padding
 * make: no white space, no repeated member, no idle bits. So two readers cannot differ over it, and nobody can write a
 * token in other words to make it a new one.
 */
export function isCanonicalJwt(token: string): boolean {
  if (!compact.test(token)) return false
  const [header = '', payload = '', signature = ''] = token.split('.')
  return isCanonicalJson(header) && isCanonicalJson(payload) && inBase64url(fromBase64url(signature)) === signature
}

function isCanonicalJson(part: string): boolean {
  try {
    return inBase64url(Buffer.from(JSON.stringify(JSON.parse(fromBase64url(part).toString())))) === part
  } catch {
    return false // no JSON, or nested so deep that it cannot be written again
  }
}

const fromBase64url = (part: string) => Buffer.from(part, 'base64url')
const inBase64url = (bytes: Buffer) => bytes.toString('base64url')
