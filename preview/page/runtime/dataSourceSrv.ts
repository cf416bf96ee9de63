/** `getDataSourceSrv()`, for the one plugin this page hosts. */
import {
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type DataSourceJsonData,
  type DataSourcePlugin,
  type DataSourcePluginMeta,
  type DataSourceRef,
  type DataSourceSettings,
  PluginType,
} from '@grafana/data';
import { type DataSourceSrv, type GetDataSourceListFilters, config, getBackendSrv } from '@grafana/runtime';
import { loadPluginModule } from './loader';
import { templateSrv } from './templateSrv';

export type Settings = DataSourceSettings<DataSourceJsonData, Record<string, unknown>>;
type Plugin = DataSourcePlugin<DataSourceApi>;

const PLUGIN_PATH = 'public/plugins/ringside-live-datasource';
/** The uid of the data source that the preview's server has. */
export const UID = 'ringside';

class PreviewDataSourceSrv implements DataSourceSrv {
  plugin!: Plugin;
  settings!: Settings;
  /** The data source with the settings as saved last. */
  current!: DataSourceApi;

  /** Loads the built plugin and the saved settings. */
  async load(): Promise<void> {
    const meta = await getBackendSrv().get<DataSourcePluginMeta>(`/${PLUGIN_PATH}/plugin.json`);
    const module = await loadPluginModule<{ plugin: Plugin }>(`/${PLUGIN_PATH}/module.js?_cache=${Date.now()}`);
    this.plugin = module.plugin;
    this.plugin.meta = {
      ...meta,
      type: PluginType.datasource,
      module: `${PLUGIN_PATH}/module.js`,
      baseUrl: PLUGIN_PATH,
    };
    this.apply(await getBackendSrv().get<Settings>(`/api/datasources/uid/${UID}`));
  }

  /** Saves what the config editor has; the data source is made anew, as Grafana does. */
  async save(settings: Settings): Promise<void> {
    const answer = await getBackendSrv().put<{ datasource: Settings }>(`/api/datasources/uid/${UID}`, settings);
    this.apply(answer.datasource);
  }

  private apply(settings: Settings): void {
    this.settings = settings;
    const instanceSettings = this.getInstanceSettings()!;
    config.datasources = { [settings.name]: instanceSettings };
    config.defaultDatasource = settings.name;
    this.current = new this.plugin.DataSourceClass(instanceSettings);
    this.current.components = this.plugin.components;
    this.current.meta ??= this.plugin.meta;
  }

  async get(ref?: DataSourceRef | string | null): Promise<DataSourceApi> {
    if (!this.getInstanceSettings(ref)) {
      throw new Error(`Datasource ${nameOf(ref)} was not found`);
    }
    return this.current;
  }

  getInstanceSettings(ref?: DataSourceRef | string | null): DataSourceInstanceSettings | undefined {
    const { id, uid, type, name, jsonData, isDefault, readOnly } = this.settings;
    const wanted = templateSrv.replace(nameOf(ref));
    if (wanted && ![uid, type, name, 'default'].includes(wanted)) {
      return undefined;
    }
    return {
      id, uid, type, name, jsonData, isDefault, readOnly,
      url: `/api/datasources/proxy/uid/${uid}`,
      access: 'proxy',
      meta: this.plugin.meta,
    }; // prettier-ignore
  }

  getList(filters: GetDataSourceListFilters = {}): DataSourceInstanceSettings[] {
    const settings = this.getInstanceSettings()!;
    return [settings].filter(
      (one) => (!filters.type || [filters.type].flat().includes(one.type)) && (filters.filter?.(one) ?? true)
    );
  }

  reload(): void {}

  registerRuntimeDataSource(): void {
    throw new Error('The preview page has no runtime data sources.');
  }
}

function nameOf(ref?: DataSourceRef | string | null): string {
  return (typeof ref === 'string' ? ref : ref?.uid) ?? '';
}

export const dataSources = new PreviewDataSourceSrv();
