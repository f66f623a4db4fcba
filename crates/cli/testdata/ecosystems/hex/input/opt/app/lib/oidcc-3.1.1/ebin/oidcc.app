{application,oidcc,
             [{description,"OpenID Connect client library for the BEAM."},
              {vsn,"3.1.1"},
              {registered,[]},
              {applications,[kernel,stdlib,inets,ssl,public_key,telemetry,jose]},
              {env,[]},
              {modules,[oidcc,oidcc_provider_configuration_worker]},
              {licenses,["Apache-2.0"]},
              {links,[]}]}.
