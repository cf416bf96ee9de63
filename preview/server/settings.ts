/** The data source as Grafana's server keeps it: what the browser may see, and secrets that never go back to it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { renderGoTemplate } from './goTemplate';

export const UID = 'ringside';

/** What `/api/datasources/uid/:uid` answers and takes; the part of it that plugins and the proxy use. */
export interface DataSourceModel {
  id: number;
  uid: string;
  orgId: number;
  name: string;
  type: string;
  typeName: string;
  typeLogoUrl: string;
  access: 'proxy';
  url: string;
  user: string;
  database: string;
  basicAuth: boolean;
  basicAuthUser: string;
  withCredentials: boolean;
  isDefault: boolean;
  readOnly: boolean;
  version: number;
  jsonData: Record<string, unknown>;
  secureJsonFields: Record<string, boolean>;
  /** Only ever sent by the browser. */
  secureJsonData?: Record<string, string>;
}

/** A route of plugin.json, as far as Ringside's has it: it adds headers, and leaves the address as it is. */
interface Route {
  path: string;
  method?: string;
  headers?: Array<{ name: string; content: string }>;
}

export class Settings {
  private secrets: Record<string, string> = {};
  private constructor(
    private model: DataSourceModel,
    private readonly routes: Route[]
  ) {}

  /** A data source for the plugin in `pluginFolder`, that asks the agent at `url`, with its token if it wants one. */
  static async provision(pluginFolder: string, url: string, token?: string): Promise<Settings> {
    const plugin = JSON.parse(await readFile(path.join(pluginFolder, 'plugin.json'), 'utf8'));
    const model: DataSourceModel = {
      id: 1,
      uid: UID,
      orgId: 1,
      name: 'Ringside',
      type: plugin.id,
      typeName: plugin.name,
      typeLogoUrl: `public/plugins/${plugin.id}/${plugin.info.logos.small}`,
      access: 'proxy',
      url,
      user: '',
      database: '',
      basicAuth: false,
      basicAuthUser: '',
      withCredentials: false,
      isDefault: true,
      readOnly: false,
      version: 1,
      jsonData: {},
      secureJsonFields: {},
    };
    const settings = new Settings(model, plugin.routes ?? []);
    settings.secrets = token ? { token } : {};
    return settings;
  }

  /** Without secrets, only which of them are set. */
  public(): DataSourceModel {
    const set = Object.entries(this.secrets).filter(([, value]) => value !== '');
    return { ...this.model, secureJsonFields: Object.fromEntries(set.map(([name]) => [name, true])) };
  }

  /** Secrets that are not sent again stay as they are; an empty one is taken away. */
  save({ secureJsonData, ...changed }: Partial<DataSourceModel>): DataSourceModel {
    const { id, uid, orgId, type, version } = this.model;
    this.model = { ...this.model, ...changed, id, uid, orgId, type, version: version + 1 };
    this.secrets = { ...this.secrets, ...secureJsonData };
    return this.public();
  }

  /** Goes up with every save. */
  get version(): number {
    return this.model.version;
  }

  get url(): string {
    return this.model.url;
  }

  /** Of the request as a whole; Grafana's own default. */
  get timeoutMs(): number {
    return (Number(this.model.jsonData.timeout) || 30) * 1000;
  }

  /**
   * What Grafana's proxy adds to a request: basic auth, custom headers whose values are secrets, and the headers of the
   * plugin's first route that matches.
   */
  headers(method: string, proxyPath: string): Record<string, string> {
    const headers: Record<string, string> = {};
    const { basicAuth, basicAuthUser, jsonData } = this.model;
    if (basicAuth) {
      const credentials = `${basicAuthUser}:${this.secrets.basicAuthPassword ?? ''}`;
      headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    }
    for (const [key, name] of Object.entries(jsonData)) {
      const number = /^httpHeaderName(\d+)$/.exec(key)?.[1];
      const value = number && this.secrets[`httpHeaderValue${number}`];
      if (value && typeof name === 'string') {
        headers[name.toLowerCase()] = value;
      }
    }
    const route = this.routes.find(
      (one) => proxyPath.startsWith(one.path) && (!one.method || one.method === '*' || one.method === method)
    );
    for (const { name, content } of route?.headers ?? []) {
      headers[name.toLowerCase()] = renderGoTemplate(content, { JsonData: jsonData, SecureJsonData: this.secrets });
    }
    return headers;
  }

  /** The TLS options of the "TLS settings" section of a config editor. */
  tls(): { rejectUnauthorized: boolean; ca?: string; cert?: string; key?: string; servername?: string } {
    const { tlsSkipVerify, tlsAuth, tlsAuthWithCACert, serverName } = this.model.jsonData;
    return {
      rejectUnauthorized: !tlsSkipVerify,
      ...(tlsAuthWithCACert ? { ca: this.secrets.tlsCACert } : {}),
      ...(tlsAuth ? { cert: this.secrets.tlsClientCert, key: this.secrets.tlsClientKey } : {}),
      ...(serverName ? { servername: String(serverName) } : {}),
    };
  }
}
