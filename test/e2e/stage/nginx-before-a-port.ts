/** nginx before a published port, as many hosts have it. */
export const nginxConf = (address: string, port: number, folder: string): string => `pid ${folder}/nginx.pid;
user root;
worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${folder}/nginx-body;
  proxy_temp_path ${folder}/nginx-proxy;
  map $http_upgrade $connection_upgrade { default upgrade; "" close; }
  server {
    listen ${address}:80;
    location / {
      proxy_pass http://127.0.0.1:${port};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`;
