/** `tcp_connect` → `TcpConnect`. */
export const pascalCase = (name: string) =>
  name.replace(/(?:^|_+)([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase());

/** `cgroup_id` → `cgroupId`. */
export const camelCase = (name: string) => {
  const pascal = pascalCase(name);
  return pascal[0].toLowerCase() + pascal.slice(1);
};
