/** A user name or an address: read from left to right, whatever its letters, as `name@host` would otherwise be turned around. */
export function Who({ name, look }: { name: string; look?: string }) {
  return (
    <bdi dir="ltr" className={look}>
      {name}
    </bdi>
  );
}
