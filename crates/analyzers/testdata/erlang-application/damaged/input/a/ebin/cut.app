%% coding: utf-8
{application,'cow-rope',
 [{vsn,"1.2.0